//! [`value!`](crate::value!): a tree in JSON's notation.

/// Writes a [`Value`](crate::Value) down in JSON's notation. Anything that converts into a value may stand in it; a key
/// is a literal or an expression in parentheses.
///
/// ```
/// use drydock_value::value;
/// let replicas = 3;
/// let scale = value!({"kind": "Scale", "spec": {"replicas": replicas}, "list": [1, null, {"a": true}]});
/// assert_eq!(scale["spec"]["replicas"].int(), 3);
/// assert!(scale["list"][1].is_null());
/// ```
#[macro_export]
macro_rules! value {
    (null) => { $crate::Value::Null };
    ([]) => { $crate::Value::from(Vec::<$crate::Value>::new()) };
    ([ $($items:tt)* ]) => {{
        let mut items: Vec<$crate::Value> = Vec::with_capacity(4);
        $crate::value!(@array items $($items)*);
        $crate::Value::from(items)
    }};
    ({ $($pairs:tt)* }) => {{
        #[allow(unused_mut)]
        let mut pairs = $crate::Pairs::default();
        $crate::value!(@object pairs $($pairs)*);
        pairs.object()
    }};

    (@array $to:ident) => {};
    (@array $to:ident null $(, $($rest:tt)*)?) => {
        $to.push($crate::Value::Null); $crate::value!(@array $to $($($rest)*)?);
    };
    (@array $to:ident [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $to.push($crate::value!([ $($inner)* ])); $crate::value!(@array $to $($($rest)*)?);
    };
    (@array $to:ident { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $to.push($crate::value!({ $($inner)* })); $crate::value!(@array $to $($($rest)*)?);
    };
    (@array $to:ident $item:expr $(, $($rest:tt)*)?) => {
        $to.push($crate::Value::from($item)); $crate::value!(@array $to $($($rest)*)?);
    };

    (@object $to:ident) => {};
    (@object $to:ident $key:tt : null $(, $($rest:tt)*)?) => {
        $to.add($key, $crate::Value::Null); $crate::value!(@object $to $($($rest)*)?);
    };
    (@object $to:ident $key:tt : [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $to.add($key, $crate::value!([ $($inner)* ])); $crate::value!(@object $to $($($rest)*)?);
    };
    (@object $to:ident $key:tt : { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $to.add($key, $crate::value!({ $($inner)* })); $crate::value!(@object $to $($($rest)*)?);
    };
    (@object $to:ident $key:tt : $item:expr $(, $($rest:tt)*)?) => {
        $to.add($key, $crate::Value::from($item)); $crate::value!(@object $to $($($rest)*)?);
    };

    ($other:expr) => { $crate::Value::from($other) };
}
