//! DescribeCluster (60), versions 0–2: the cluster's id and brokers.
//!
//! v1 added the type of endpoint that the client believes to speak to: this is a broker's. v2
//! asks for fenced brokers too. The controller id is that of a broker (rule 19).

use super::{Answer, Call, Refusal, authorized_operations as operations, metadata::some_broker};
use crate::context::Context;
use klamm_metadata::Image;
use klamm_protocol::{
    Decoder,
    messages::{
        describe_cluster_request::DescribeClusterRequest,
        describe_cluster_response::{DescribeClusterBroker, DescribeClusterResponse},
    },
};
use klamm_types::{BrokerId, ErrorCode};
use std::sync::Arc;

/// Endpoint types (KIP-919).
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::now(context, call, body, handle)
}

fn handle(
    context: &Arc<Context>,
    call: &Call,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    match request.endpoint_type {
        BROKERS => {}
        CONTROLLERS => {
            return refuse(
                ErrorCode::MismatchedEndpointType,
                "this is an endpoint of a broker, not of a controller".to_owned(),
            );
        }
        other => {
            return refuse(
                ErrorCode::UnsupportedEndpointType,
                format!("there are no endpoints of type {other}"),
            );
        }
    }
    let image = context.metadata.image();
    let brokers = brokers(
        &image,
        &call.connection.listener,
        request.include_fenced_brokers,
    );
    let controller_id = some_broker(context, &image).get();
    let is_listed = brokers.iter().any(|b| b.broker_id == controller_id);
    DescribeClusterResponse {
        cluster_id: context.identity.cluster_id().to_owned(),
        controller_id: if is_listed {
            controller_id
        } else {
            BrokerId::NONE.get()
        },
        brokers,
        cluster_authorized_operations: operations::if_asked(
            request.include_cluster_authorized_operations,
            operations::CLUSTER,
        ),
        ..Default::default()
    }
}

fn brokers(image: &Image, listener: &str, with_fenced: bool) -> Vec<DescribeClusterBroker> {
    image
        .brokers()
        .filter(|(_, broker)| with_fenced || !broker.fenced)
        .filter_map(|(id, broker)| {
            let endpoint = broker.listener(listener)?;
            Some(DescribeClusterBroker {
                broker_id: id.get(),
                host: endpoint.host.clone(),
                port: i32::from(endpoint.port),
                rack: broker.rack.clone(),
                is_fenced: broker.fenced,
            })
        })
        .collect()
}

fn refuse(error: ErrorCode, message: String) -> DescribeClusterResponse {
    DescribeClusterResponse {
        error_code: error.code(),
        error_message: Some(message),
        ..Default::default()
    }
}
