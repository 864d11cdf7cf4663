//! Looks whether a broker that is not heard from still listens.

use klamm_metadata::Listener;
use std::{io, time::Duration};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long one dial may take.
const DIAL_TIMEOUT: Duration = Duration::from_millis(200);
/// The pause after a look that said nothing: the next look at the same broker follows on it.
const PAUSE: Duration = Duration::from_millis(100);

/// Whether nobody listens there any more: every one of the listeners refuses to be dialled. One
/// alone proves nothing, since a listener may be meant for clients elsewhere, under an address
/// that means something else here.
pub(crate) async fn is_refused(listeners: &[Listener]) -> bool {
    for listener in listeners {
        let address = (listener.host.as_str(), listener.port);
        let dialled = timeout(DIAL_TIMEOUT, TcpStream::connect(address)).await;
        let refused = matches!(
            dialled,
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused
        );
        if !refused {
            sleep(PAUSE).await;
            return false;
        }
    }
    if listeners.is_empty() {
        sleep(PAUSE).await;
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn listener(port: u16) -> Listener {
        Listener {
            name: "PLAINTEXT".into(),
            host: "127.0.0.1".into(),
            port,
            security_protocol: 0,
        }
    }

    #[tokio::test]
    async fn only_if_every_listener_refuses() {
        let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open_port = open.local_addr().unwrap().port();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed_port = closed.local_addr().unwrap().port();
        drop(closed);
        assert!(is_refused(&[listener(closed_port)]).await);
        assert!(!is_refused(&[listener(closed_port), listener(open_port)]).await);
        assert!(!is_refused(&[]).await);
    }
}
