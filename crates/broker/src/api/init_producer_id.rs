//! InitProducerId (22), versions 0–6: who an idempotent producer is.
//!
//! v3 lets a producer name its present id and epoch, v4 can answer PRODUCER_FENCED, v6 added
//! two-phase commit. A producer without a transactional id always gets a fresh id and epoch 0
//! (rule 45). Transactions are not served: a transactional id is answered with the one error
//! that makes every client give up at once instead of asking for ever.

use super::{Answer, Call, Refusal, find_coordinator};
use crate::context::Context;
use klamm_protocol::{
    Decoder,
    messages::{
        init_producer_id_request::InitProducerIdRequest,
        init_producer_id_response::InitProducerIdResponse,
    },
};
use klamm_types::{ErrorCode, ProducerEpoch, ProducerId};
use std::sync::Arc;

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::later(context, call, body, handle)
}

async fn handle(
    context: Arc<Context>,
    call: Call,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    if let Err(error) = check(&request) {
        if error == find_coordinator::NO_TRANSACTIONS {
            find_coordinator::log_no_transactions(&call);
        }
        return refuse(error);
    }
    match context.producer_ids.next().await {
        Ok(ProducerId(producer_id)) => InitProducerIdResponse {
            producer_id,
            producer_epoch: 0,
            ..Default::default()
        },
        Err(error) => refuse(error),
    }
}

fn check(request: &InitProducerIdRequest) -> Result<(), ErrorCode> {
    let has_id = request.producer_id != ProducerId::NONE.get();
    let has_epoch = request.producer_epoch != ProducerEpoch::NONE.get();
    match request.transactional_id.as_deref() {
        _ if has_id != has_epoch => Err(ErrorCode::InvalidRequest),
        Some("") => Err(ErrorCode::InvalidRequest),
        Some(_) => Err(find_coordinator::NO_TRANSACTIONS),
        None => Ok(()),
    }
}

fn refuse(error: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse {
        error_code: error.code(),
        producer_id: ProducerId::NONE.get(),
        producer_epoch: ProducerEpoch::NONE.get(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_idempotent_producers_get_an_id() {
        let request = |transactional_id: Option<&str>, producer_id, producer_epoch| {
            check(&InitProducerIdRequest {
                transactional_id: transactional_id.map(str::to_owned),
                producer_id,
                producer_epoch,
                ..Default::default()
            })
        };
        assert_eq!(request(None, -1, -1), Ok(()));
        // KIP-360: a producer that wants a new epoch gets a new id instead.
        assert_eq!(request(None, 5, 0), Ok(()));
        for (id, producer_id, epoch) in [(None, 5, -1), (None, -1, 0), (Some(""), -1, -1)] {
            let refused = Err(ErrorCode::InvalidRequest);
            assert_eq!(request(id, producer_id, epoch), refused);
        }
        assert_eq!(
            request(Some("t"), -1, -1),
            Err(find_coordinator::NO_TRANSACTIONS)
        );
    }
}
