//! CronJobs: when their Jobs are made, and what is kept of them.

use drydock_value::value;

use super::workloads::{job, names};
use super::*;

#[test]
fn a_cron_job_runs_on_time_and_forgets() {
    let mut world = World::new(2);
    let template = job("x", value!({}), Some("0"));
    world.create(
        kinds::CRON_JOBS,
        value!({
            "metadata": {"name": "tick"},
            "spec": {
                "schedule": "* * * * *", "successfulJobsHistoryLimit": 2,
                "jobTemplate": {"spec": &template["spec"]}
            }
        }),
    );
    world.run(310.0);
    let cron = world.get(kinds::CRON_JOBS, "tick");
    let jobs = names(&world, kinds::JOBS);
    assert_eq!(jobs.len(), 2, "{jobs:?}");
    assert!(!cron["status"]["lastSuccessfulTime"].is_null());
    let events = world.events("tick");
    assert!(events.contains(&format!("Normal SuccessfulCreate: Created job {}", jobs[0])), "{events:?}");
    assert!(events.contains(&format!("Normal SawCompletedJob: Saw completed job: {}, condition: Complete", jobs[0])));
}

#[test]
fn another_schedule_means_the_next_moment() {
    let mut world = World::new(1);
    let template = job("x", value!({}), Some("0"));
    let spec = value!({
        "schedule": "0 0 1 1 *", "timeZone": "Asia/Kolkata", "successfulJobsHistoryLimit": 0,
        "jobTemplate": {"spec": &template["spec"]}
    });
    world.create(kinds::CRON_JOBS, value!({"metadata": {"name": "tick"}, "spec": spec}));
    world.run(190.0 - (world.cluster.now().seconds() % 60) as f64);
    world.patch(kinds::CRON_JOBS, "tick", value!({"spec": {"schedule": "* * * * *"}}));
    world.run(30.0);
    assert_eq!(names(&world, kinds::JOBS), Vec::<String>::new());
    world.run(20.5);
    let made = names(&world, kinds::JOBS);
    assert_eq!(made.len(), 1, "{made:?}");
    let stamp =
        &world.get(kinds::JOBS, &made[0])["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"];
    assert!(stamp.str().ends_with(":00+05:30"), "{stamp}");
    // None is kept: nobody sees it complete, but when it did is known.
    world.run(20.0);
    assert_eq!(names(&world, kinds::JOBS), Vec::<String>::new());
    assert_eq!(
        world.events("tick"),
        [
            format!("Normal SuccessfulCreate: Created job {}", made[0]),
            format!("Normal SuccessfulDelete: Deleted job {}", made[0])
        ]
    );
    assert!(!world.get(kinds::CRON_JOBS, "tick")["status"]["lastSuccessfulTime"].is_null());
}

#[test]
fn a_cron_job_that_slept_long_starts_for_the_latest_moment() {
    let mut world = World::new(1);
    let template = job("x", value!({}), Some("0"));
    let spec = value!({"schedule": "*/5 * * * *", "suspend": true, "jobTemplate": {"spec": &template["spec"]}});
    world.create(kinds::CRON_JOBS, value!({"metadata": {"name": "tick"}, "spec": spec}));
    world.run(40_000.0);
    let moment = world.cluster.now().seconds() / 300 * 5;
    world.patch(kinds::CRON_JOBS, "tick", value!({"spec": {"suspend": false}}));
    world.run(1.0);
    assert_eq!(names(&world, kinds::JOBS), [format!("tick-{moment}")]);
    assert!(world.events("tick")[0].starts_with("Warning TooManyMissedTimes: too many missed start times."));
}
