use super::*;

#[test]
fn look() {
    let mut world = World::new();
    world.pod("web", value!({"image": "nginx:1.27"}));
    for _ in 0..50 {
        world.run(0.1);
        println!("{} {}", world.cluster.now().rfc3339_micros(), world.get("web")["status"]);
    }
    println!("{:#?}", world.events("web"));
    println!("{}", world.logs("web", &[]));
}

#[test]
fn addresses_go_round() {
    use std::net::Ipv4Addr;
    let mut addresses = crate::kubelet::Addresses::new("10.244.1.0/29");
    let ip = |last: u8| Some(Ipv4Addr::new(10, 244, 1, last));
    assert_eq!([addresses.take(), addresses.take()], [ip(2), ip(3)]);
    addresses.free(Ipv4Addr::new(10, 244, 1, 2));
    assert_eq!([addresses.take(), addresses.take(), addresses.take()], [ip(4), ip(5), ip(6)]);
    assert_eq!([addresses.take(), addresses.take()], [ip(2), None]);
}
