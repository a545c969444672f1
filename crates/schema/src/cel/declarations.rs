//! What functions there are, and for what.

use std::sync::{Arc, OnceLock};

use super::types::Type;

/// One way to call a function.
pub(super) struct Overload {
    /// Whether the first parameter stands before the name.
    pub(super) method: bool,
    /// Whether it is for any types: `A`, `B`.
    pub(super) generic: bool,
    pub(super) parameters: Vec<Type>,
    pub(super) result: Type,
}

/// A function with its overloads.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) overloads: Vec<Overload>,
}

/// A function a line: its name, then its overloads. A point before the parameters tells a method. Types: `s` string, `i` int,
/// `u` uint, `d` double, `b` bool, `y` bytes, `t` timestamp, `r` duration, `*` dyn, `A` to `C` any one type, `[A]` list,
/// `{A B}` map, `?A` optional, `#A` type; other words are types of libraries.
const TABLE: &str = "\
_?_:_ b A A>A
_&&_ b b>b
_||_ b b>b
!_ b>b
@not_strictly_false b>b
_==_ A A>b
_!=_ A A>b
_<_ b b>b;i i>b;i d>b;i u>b;u u>b;u d>b;u i>b;d d>b;d i>b;d u>b;s s>b;y y>b;t t>b;r r>b
_<=_ b b>b;i i>b;i d>b;i u>b;u u>b;u d>b;u i>b;d d>b;d i>b;d u>b;s s>b;y y>b;t t>b;r r>b
_>_ b b>b;i i>b;i d>b;i u>b;u u>b;u d>b;u i>b;d d>b;d i>b;d u>b;s s>b;y y>b;t t>b;r r>b
_>=_ b b>b;i i>b;i d>b;i u>b;u u>b;u d>b;u i>b;d d>b;d i>b;d u>b;s s>b;y y>b;t t>b;r r>b
_-_ d d>d;r r>r;i i>i;t r>t;t t>r;u u>u
_+_ y y>y;d d>d;r r>r;r t>t;t r>t;i i>i;[A] [A]>[A];s s>s;u u>u
_*_ d d>d;i i>i;u u>u
_/_ d d>d;i i>i;u u>u
_%_ i i>i;u u>u
-_ d>d;i>i
_[_] [A] i>A;{A B} A>B;?[A] i>?A;?{A B} A>?B
_[?_] [A] i>?A;{A B} A>?B;?[A] i>?A;?{A B} A>?B
@in A [A]>b;A {A B}>b
size y>i;.y>i;[A]>i;.[A]>i;{A B}>i;.{A B}>i;s>i;.s>i
type A>#A
bool b>b;s>b
bytes y>y;s>y
double d>d;i>d;s>d;u>d
dyn A>*
duration r>r;i>r;s>r
int i>i;d>i;r>i;s>i;t>i;u>i
string s>s;b>s;y>s;d>s;r>s;i>s;t>s;u>s;net.IP>s;net.CIDR>s
timestamp t>t;i>t;s>t
uint u>u;d>u;i>u;s>u
contains .s s>b
endsWith .s s>b
startsWith .s s>b
matches .s s>b;s s>b
getFullYear .t>i;.t s>i
getMonth .t>i;.t s>i
getDayOfYear .t>i;.t s>i
getDayOfMonth .t>i;.t s>i
getDate .t>i;.t s>i
getDayOfWeek .t>i;.t s>i
getHours .t>i;.t s>i;.r>i
getMinutes .t>i;.t s>i;.r>i
getSeconds .t>i;.t s>i;.r>i
getMilliseconds .t>i;.t s>i;.r>i
optional.of A>?A
optional.ofNonZeroValue A>?A
optional.none >?A
hasValue .?A>b
value .?A>A
or .?A ?A>?A
orValue .?A A>A
charAt .s i>s
indexOf .s s>i;.s s i>i;.[A] A>i
lastIndexOf .s s>i;.s s i>i;.[A] A>i
join .[s]>s;.[s] s>s
lowerAscii .s>s
upperAscii .s>s
replace .s s s>s;.s s s i>s
split .s s>[s];.s s i>[s]
substring .s i>s;.s i i>s
trim .s>s
format .s [*]>s
strings.quote s>s
sets.contains [A] [A]>b
sets.equivalent [A] [A]>b
sets.intersects [A] [A]>b
isSorted .[i]>b;.[u]>b;.[d]>b;.[b]>b;.[s]>b;.[y]>b;.[r]>b;.[t]>b
sum .[i]>i;.[u]>u;.[d]>d;.[r]>r
max .[i]>i;.[u]>u;.[d]>d;.[b]>b;.[s]>s;.[y]>y;.[r]>r;.[t]>t
min .[i]>i;.[u]>u;.[d]>d;.[b]>b;.[s]>s;.[y]>y;.[r]>r;.[t]>t
slice .[A] i i>[A]
flatten .[[A]]>[A];.[*]>[*];.[*] i>[*]
distinct .[A]>[A]
reverse .[A]>[A]
sort .[A]>[A]
@sortByAssociatedKeys .[A] [B]>[A]
lists.range i>[i]
first .[A]>?A
last .[A]>?A
cel.@mapInsert {A B} A B>{A B};{A B} {A B}>{A B}
find .s s>s
findAll .s s>[s];.s s i>[s]
url s>kubernetes.URL
isURL s>b
getScheme .kubernetes.URL>s
getHost .kubernetes.URL>s
getHostname .kubernetes.URL>s
getPort .kubernetes.URL>s
getEscapedPath .kubernetes.URL>s
getQuery .kubernetes.URL>{s [s]}
ip s>net.IP;.net.CIDR>net.IP
isIP s>b
ip.isCanonical s>b
family .net.IP>i
isUnspecified .net.IP>b
isLoopback .net.IP>b
isLinkLocalMulticast .net.IP>b
isLinkLocalUnicast .net.IP>b
isGlobalUnicast .net.IP>b
cidr s>net.CIDR
isCIDR s>b
containsIP .net.CIDR s>b;.net.CIDR net.IP>b
containsCIDR .net.CIDR s>b;.net.CIDR net.CIDR>b
prefixLength .net.CIDR>i
masked .net.CIDR>net.CIDR
quantity s>kubernetes.Quantity
isQuantity s>b
sign .kubernetes.Quantity>i
isInteger .kubernetes.Quantity>b
asInteger .kubernetes.Quantity>i
asApproximateFloat .kubernetes.Quantity>d
add .kubernetes.Quantity kubernetes.Quantity>kubernetes.Quantity;.kubernetes.Quantity i>kubernetes.Quantity
sub .kubernetes.Quantity kubernetes.Quantity>kubernetes.Quantity;.kubernetes.Quantity i>kubernetes.Quantity
isLessThan .kubernetes.Quantity kubernetes.Quantity>b;.kubernetes.Semver kubernetes.Semver>b
isGreaterThan .kubernetes.Quantity kubernetes.Quantity>b;.kubernetes.Semver kubernetes.Semver>b
compareTo .kubernetes.Quantity kubernetes.Quantity>i;.kubernetes.Semver kubernetes.Semver>i
semver s>kubernetes.Semver;s b>kubernetes.Semver
isSemver s>b;s b>b
major .kubernetes.Semver>i
minor .kubernetes.Semver>i
patch .kubernetes.Semver>i
format.named s>?kubernetes.NamedFormat
format.dns1123Label >kubernetes.NamedFormat
format.dns1123Subdomain >kubernetes.NamedFormat
format.dns1035Label >kubernetes.NamedFormat
format.qualifiedName >kubernetes.NamedFormat
format.dns1123LabelPrefix >kubernetes.NamedFormat
format.dns1123SubdomainPrefix >kubernetes.NamedFormat
format.dns1035LabelPrefix >kubernetes.NamedFormat
format.labelValue >kubernetes.NamedFormat
format.uri >kubernetes.NamedFormat
format.uuid >kubernetes.NamedFormat
format.byte >kubernetes.NamedFormat
format.date >kubernetes.NamedFormat
format.datetime >kubernetes.NamedFormat
validate .kubernetes.NamedFormat s>?[s]
path .kubernetes.authorization.Authorizer s>kubernetes.authorization.PathCheck
group .kubernetes.authorization.Authorizer s>kubernetes.authorization.GroupCheck
serviceAccount .kubernetes.authorization.Authorizer s s>kubernetes.authorization.Authorizer
resource .kubernetes.authorization.GroupCheck s>kubernetes.authorization.ResourceCheck
subresource .kubernetes.authorization.ResourceCheck s>kubernetes.authorization.ResourceCheck
namespace .kubernetes.authorization.ResourceCheck s>kubernetes.authorization.ResourceCheck
name .kubernetes.authorization.ResourceCheck s>kubernetes.authorization.ResourceCheck
fieldSelector .kubernetes.authorization.ResourceCheck s>kubernetes.authorization.ResourceCheck
labelSelector .kubernetes.authorization.ResourceCheck s>kubernetes.authorization.ResourceCheck
check .kubernetes.authorization.PathCheck s>kubernetes.authorization.Decision;\
.kubernetes.authorization.ResourceCheck s>kubernetes.authorization.Decision
allowed .kubernetes.authorization.Decision>b
reason .kubernetes.authorization.Decision>s
errored .kubernetes.authorization.Decision>b
error .kubernetes.authorization.Decision>s
jsonpatch.escapeKey s>s";

fn functions() -> &'static [Function] {
    static FUNCTIONS: OnceLock<Vec<Function>> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let read = |line: &'static str| {
            let (name, overloads) = line.split_once(' ').unwrap_or((line, ""));
            Function { name, overloads: overloads.split(';').map(overload).collect() }
        };
        TABLE.lines().map(read).collect()
    })
}

fn overload(text: &'static str) -> Overload {
    let (parameters, result) = text.split_once('>').unwrap_or((text, ""));
    let plain = parameters.strip_prefix('.');
    let mut rest = plain.unwrap_or(parameters);
    let mut types = Vec::new();
    while !rest.is_empty() {
        let (ty, after) = one(rest);
        types.push(ty);
        rest = after.trim_start();
    }
    Overload {
        method: plain.is_some(),
        // The names of other types have no capitals that stand alone.
        generic: text.split([' ', ';', '>', '.', '[', ']', '{', '}', '?', '#']).any(|word| word == "A" || word == "B"),
        parameters: types,
        result: one(result).0,
    }
}

/// The first type of a text, and what follows.
fn one(text: &'static str) -> (Type, &'static str) {
    let inner = |from: usize| one(text[from..].trim_start());
    match text.as_bytes().first() {
        Some(b'[') => {
            let (of, rest) = inner(1);
            (Type::list(of), close(rest))
        }
        Some(b'{') => {
            let (key, rest) = inner(1);
            let (of, rest) = one(rest.trim_start());
            (Type::Map(Arc::new(key), Arc::new(of)), close(rest))
        }
        Some(b'?') => {
            let (of, rest) = inner(1);
            (of.optional(), rest)
        }
        Some(b'#') => {
            let (of, rest) = inner(1);
            (Type::Type(Arc::new(of)), rest)
        }
        Some(b'*') => (Type::Dyn, &text[1..]),
        _ => {
            let end = text.find([' ', ']', '}']).unwrap_or(text.len());
            let (word, rest) = text.split_at(end);
            let ty = match word {
                "s" => Type::String,
                "i" => Type::Int,
                "u" => Type::Uint,
                "d" => Type::Double,
                "b" => Type::Bool,
                "y" => Type::Bytes,
                "t" => Type::Timestamp,
                "r" => Type::Duration,
                "A" => Type::Var(0),
                "B" => Type::Var(1),
                other => Type::Opaque(other),
            };
            (ty, rest)
        }
    }
}

fn close(text: &'static str) -> &'static str {
    text.get(1..).unwrap_or("")
}

/// The function of a name.
pub(super) fn function(name: &str) -> Option<&'static Function> {
    functions().iter().find(|function| function.name == name)
}

/// Names that stand for types.
pub(super) fn type_named(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "double" => Type::Double,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "string" => Type::String,
        "list" => Type::list(Type::Dyn),
        "map" => Type::Map(Arc::new(Type::Dyn), Arc::new(Type::Dyn)),
        "null_type" => Type::Null,
        "type" => Type::Type(Arc::new(Type::Dyn)),
        "optional_type" => Type::Dyn.optional(),
        "google.protobuf.Timestamp" => Type::Timestamp,
        "google.protobuf.Duration" => Type::Duration,
        "net.IP" => Type::Opaque("net.IP"),
        "net.CIDR" => Type::Opaque("net.CIDR"),
        "kubernetes.URL" => Type::Opaque("kubernetes.URL"),
        "kubernetes.Quantity" => Type::Opaque("kubernetes.Quantity"),
        "kubernetes.Semver" => Type::Opaque("kubernetes.Semver"),
        _ => return None,
    })
}
