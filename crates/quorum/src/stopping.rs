//! The one signal that this controller stops.

use futures_util::{Stream, StreamExt, stream::BoxStream};
use tokio::sync::watch;
use tonic::Status;

/// Tells everything that serves others for long that this controller stops.
#[derive(Clone, Debug)]
pub(crate) struct Stopping(pub(crate) watch::Receiver<bool>);

impl Stopping {
    /// Waits until this controller stops.
    pub(crate) async fn wait(&mut self) {
        // A closed channel means that the controller is gone.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }

    /// What others are told.
    pub(crate) fn status() -> Status {
        Status::unavailable("this controller stops")
    }

    /// Ends `stream` when this controller stops, so that nobody waits for it.
    pub(crate) fn end<T: Send + 'static>(
        mut self,
        stream: impl Stream<Item = T> + Send + 'static,
    ) -> BoxStream<'static, T> {
        stream
            .take_until(Box::pin(async move { self.wait().await }))
            .boxed()
    }
}
