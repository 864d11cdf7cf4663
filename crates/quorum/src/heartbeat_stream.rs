//! One broker's heartbeat stream.

use crate::{
    active_controller::Command, controller_service::ControllerServer, stopping::Stopping, translate,
};
use futures_util::{StreamExt, stream::BoxStream};
use klamm_controller::{BrokerRef, Heartbeat, HeartbeatAck as Ack, StreamId};
use klamm_rpc::controller::{BrokerHeartbeat, HeartbeatAck};
use klamm_types::{BrokerEpoch, BrokerId};
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

/// Acks on their way; a broker that does not take them is not heard from any further.
const ACKS_MAX: usize = 16;

/// Answers heartbeats until the broker goes away, this node loses its leadership or stops. The
/// active controller learns at once that the stream ended.
pub(crate) fn serve(
    server: ControllerServer,
    heartbeats: Streaming<BrokerHeartbeat>,
) -> BoxStream<'static, Result<HeartbeatAck, Status>> {
    let (acks, receiver) = mpsc::channel(ACKS_MAX);
    let stream = StreamId(server.streams.fetch_add(1, Ordering::Relaxed));
    tokio::spawn(async move {
        let mut broker = None;
        let end = run(&server, heartbeats, stream, &acks, &mut broker).await;
        if let Some(broker) = broker {
            server
                .active
                .send(Command::StreamClosed(broker, stream))
                .await;
        }
        if let Err(status) = end {
            // The broker may be gone by now.
            let _ = acks.send(Err(status)).await;
        }
    });
    ReceiverStream::new(receiver).boxed()
}

async fn run(
    server: &ControllerServer,
    mut heartbeats: Streaming<BrokerHeartbeat>,
    stream: StreamId,
    acks: &mpsc::Sender<Result<HeartbeatAck, Status>>,
    broker: &mut Option<BrokerRef>,
) -> Result<(), Status> {
    let mut leadership = server.leadership.now.clone();
    let mut stopping = server.stopping.clone();
    loop {
        let heartbeat = tokio::select! {
            heartbeat = heartbeats.message() => match heartbeat? {
                Some(heartbeat) => heartbeat,
                None => return Ok(()),
            },
            lost = leadership.wait_for(|now| !now.leads) => {
                drop(lost);
                return Err(server.not_active());
            }
            () = stopping.wait() => return Err(Stopping::status()),
            () = acks.closed() => return Ok(()),
        };
        if let Some(failed) = translate::failed_log_dirs(&heartbeat)? {
            server
                .active
                .send(Command::LogDirsFailed(Box::new(failed)))
                .await;
        }
        let heartbeat = heartbeat_of(&heartbeat, stream);
        *broker = Some(heartbeat.broker);
        server.observers.on_heartbeat(
            heartbeat.broker.id,
            heartbeat.metadata_offset,
            server.feed.image().offset(),
            server.clock.now_ms(),
        );
        let (to, ack) = oneshot::channel();
        server.active.send(Command::Heartbeat(heartbeat, to)).await;
        let Ok(ack) = ack.await else {
            return Err(server.not_active());
        };
        let metadata_offset = server.feed.image().offset();
        if acks.send(Ok(ack_of(ack, metadata_offset))).await.is_err() {
            return Ok(());
        }
    }
}

fn heartbeat_of(heartbeat: &BrokerHeartbeat, stream: StreamId) -> Heartbeat {
    Heartbeat {
        broker: BrokerRef {
            id: BrokerId(heartbeat.broker_id),
            epoch: BrokerEpoch(heartbeat.broker_epoch),
        },
        stream,
        metadata_offset: heartbeat.metadata_offset,
        want_fence: heartbeat.want_fence,
        want_shut_down: heartbeat.want_shut_down,
    }
}

fn ack_of(ack: Ack, metadata_offset: i64) -> HeartbeatAck {
    HeartbeatAck {
        error_code: ack.error.code().into(),
        is_caught_up: ack.is_caught_up,
        is_fenced: ack.is_fenced,
        should_shut_down: ack.should_shut_down,
        metadata_offset,
    }
}
