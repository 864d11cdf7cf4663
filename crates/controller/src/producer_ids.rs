//! Blocks of producer ids (rule 45).

use crate::{BrokerRef, Decision, Refusal, broker_state::registered};
use klamm_metadata::{Image, proto};
use klamm_types::ErrorCode;

/// How many producer ids a broker is given at a time.
pub const PRODUCER_ID_BLOCK_SIZE: i32 = 1000;

/// Producer ids that belong to one broker from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// The first.
    pub first_producer_id: i64,
    /// How many follow on each other.
    pub count: i32,
}

pub(crate) fn decide(
    image: &Image,
    broker: BrokerRef,
) -> Decision<Result<ProducerIdBlock, Refusal>> {
    if let Err(refusal) = registered(image, broker) {
        return Decision::refused(refusal);
    }
    let first_producer_id = image.next_producer_id();
    let Some(next_producer_id) = first_producer_id.checked_add(i64::from(PRODUCER_ID_BLOCK_SIZE))
    else {
        let message = "every producer id has been given away";
        return Decision::refused(Refusal::new(ErrorCode::UnknownServerError, message));
    };
    let record = proto::ProducerIdsRecord {
        broker_id: broker.id.0,
        broker_epoch: broker.epoch.0,
        next_producer_id,
    };
    Decision {
        records: vec![record.into()],
        response: Ok(ProducerIdBlock {
            first_producer_id,
            count: PRODUCER_ID_BLOCK_SIZE,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Request, Response,
        lab::{Lab, error},
    };

    #[test]
    fn blocks_follow_on_each_other() {
        let mut lab = Lab::new(2);
        for (broker, first_producer_id) in [(1, 0), (2, 1000), (1, 2000)] {
            let response = lab.ask(&Request::AllocateProducerIds(lab.broker(broker)));
            let block = ProducerIdBlock {
                first_producer_id,
                count: 1000,
            };
            assert_eq!(response, Response::AllocateProducerIds(Ok(block)));
        }
    }

    #[test]
    fn they_end_with_the_numbers() {
        let mut lab = Lab::new(1);
        let record = proto::ProducerIdsRecord {
            broker_id: 1,
            broker_epoch: 1,
            next_producer_id: i64::MAX - 10,
        };
        lab.image.replay(&record.into()).unwrap();
        let response = lab.ask(&Request::AllocateProducerIds(lab.broker(1)));
        assert_eq!(error(&response), ErrorCode::UnknownServerError);
    }
}
