//! What a simulated cluster cannot do, said clearly instead of attempted: more replicas than it can hold.

use drydock_api::Status;
use drydock_value::Value;

use super::Attributes;
use crate::kinds;
use crate::server::ApiServer;
use crate::verbs::forbidden;

pub(super) fn validate(server: &ApiServer, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
    let field = match attributes.kind {
        kinds::DEPLOYMENTS | kinds::REPLICA_SETS | kinds::STATEFUL_SETS | kinds::REPLICATION_CONTROLLERS => "replicas",
        kinds::JOBS => "parallelism",
        _ => return Ok(()),
    };
    let (wanted, most) = (object["spec"][field].int(), server.config.limits.replicas);
    if wanted <= most {
        return Ok(());
    }
    let why =
        format!("this simulated cluster holds at most {most} replicas of one workload, but {wanted} were asked for");
    Err(forbidden(attributes.kind, object["metadata"]["name"].str(), &why))
}
