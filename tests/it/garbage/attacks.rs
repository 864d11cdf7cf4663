//! Bytes that are no requests, or requests that promise what they do not keep.

use crate::asking::{PATIENCE, batch};
use bytes::{BufMut, BytesMut};
use klamm_protocol::{
    frame,
    messages::{
        metadata_request::{MetadataRequest, MetadataRequestTopic},
        produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
    },
};
use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
};

/// Connections of an attack by number.
const CONNECTIONS: usize = 300;

/// What each of them promises, and what it sends of that.
const PROMISED_BYTES: i32 = 100 << 20;
const SENT_BYTES: usize = 40 << 10;

/// Numbers that look random and are the same in every run (xorshift64*).
struct Rng(u64);

impl Rng {
    fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % bound
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

fn connect(port: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&port, PATIENCE).expect("connect");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends bytes, says that nothing follows, and waits until the node has done with them.
fn send(port: SocketAddr, bytes: &[u8]) {
    let mut stream = connect(port);
    // The node may have had enough before all is sent.
    let sent = stream
        .write_all(bytes)
        .and_then(|()| stream.shutdown(Shutdown::Write));
    drop(sent);
    wait_for_end(&mut stream);
}

/// Reads until the node closes, whatever it says before.
fn wait_for_end(stream: &mut TcpStream) {
    let mut answer = [0; 4096];
    loop {
        match stream.read(&mut answer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => match error.kind() {
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => return,
                _ => panic!("the node holds on to the connection: {error}"),
            },
        }
    }
}

fn random(rng: &mut Rng, length: usize) -> Vec<u8> {
    (0..length).map(|_| rng.byte()).collect()
}

pub(super) fn random_bytes(port: SocketAddr) {
    let mut rng = Rng::new(1);
    for length in [0, 1, 3, 4, 5, 100, 10_000, 300_000] {
        send(port, &random(&mut rng, length));
    }
    // In the frame of a request.
    for length in [0, 1, 7, 8, 9, 10, 200] {
        let mut bytes = BytesMut::new();
        bytes.put_i32(length);
        bytes.put_slice(&random(&mut rng, usize::try_from(length).unwrap()));
        send(port, &bytes);
    }
}

pub(super) fn other_protocols(port: SocketAddr) {
    send(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    send(port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    send(port, b"SSH-2.0-OpenSSH_9.9\r\n");
    // The first record of a TLS connection: handshake, version 3.1, a hello of 508 bytes.
    let mut hello = vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    hello.extend(random(&mut Rng::new(2), 506));
    send(port, &hello);
    // Frames of HTTP/2 that make no sense: a huge one, one of an unknown stream.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    send(
        port,
        &[&preface[..], &[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]].concat(),
    );
    send(
        port,
        &[
            &preface[..],
            &[0, 0, 4, 8, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1],
        ]
        .concat(),
    );
}

pub(super) fn truncated(port: SocketAddr) {
    let request = produce_request();
    for end in (0..request.len()).step_by(request.len() / 40) {
        send(port, &request[..end]);
    }
}

pub(super) fn sizes(port: SocketAddr) {
    for size in [-1, i32::MIN, i32::MAX, (100 << 20) + 1] {
        let mut stream = connect(port);
        stream.write_all(&size.to_be_bytes()).unwrap();
        // Closed at once: nothing of it is waited for.
        wait_for_end(&mut stream);
    }
}

/// Metadata, v1: an array of names in the old encoding; v9: in the new one.
pub(super) fn arrays(port: SocketAddr) {
    for count in [i32::MAX, 1 << 30, 1 << 20, -2, i32::MIN] {
        let mut request = header(3, 1);
        request.put_i32(count);
        request.put_slice(b"\0\x01a");
        closes(port, &request);
    }
    for count in [
        &[0xff, 0xff, 0xff, 0xff, 0x0f][..],
        &[0xff; 10],
        &[0x80, 0x80, 0x80, 0x40],
    ] {
        let mut request = header(3, 9);
        request.put_u8(0);
        request.put_slice(count);
        request.put_slice(b"\x02a\0");
        closes(port, &request);
    }
    // A string that is longer than the frame, and one of negative length.
    for length in [i16::MAX, -7] {
        let mut request = header(3, 1);
        request.put_i32(1);
        request.put_i16(length);
        closes(port, &request);
    }
    // More tagged fields than there are bytes.
    let mut request = header(3, 9);
    request.put_slice(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    closes(port, &request);
}

fn header(key: i16, version: i16) -> BytesMut {
    let mut header = BytesMut::new();
    header.put_i16(key);
    header.put_i16(version);
    header.put_i32(1);
    header.put_i16(-1);
    header
}

/// Sends a request that is no good, and expects nothing but the end of the connection.
fn closes(port: SocketAddr, request: &[u8]) {
    let mut stream = connect(port);
    let length = u32::try_from(request.len()).unwrap();
    stream.write_all(&length.to_be_bytes()).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = [0];
    match stream.read(&mut answer) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("{request:?} is answered: {other:?}"),
    }
}

/// Good requests with bytes changed here and there, many over each connection.
pub(super) fn mutated(port: SocketAddr) {
    let mut rng = Rng::new(3);
    let good = [produce_request(), metadata_request()];
    for _ in 0..200 {
        let mut bytes = Vec::new();
        for _ in 0..5 {
            let mut request = good[rng.below(2)].clone();
            for _ in 0..=rng.below(4) {
                let at = 4 + rng.below(request.len() - 4);
                request[at] = rng.byte();
            }
            bytes.extend(request);
        }
        send(port, &bytes);
    }
}

pub(super) fn promises(port: SocketAddr) {
    let sent = vec![0; SENT_BYTES];
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = connect(port);
        stream.write_all(&PROMISED_BYTES.to_be_bytes()).unwrap();
        // Some ports have had enough by now.
        drop(stream.write_all(&sent));
        streams.push(stream);
    }
    // All are open at once until here.
    drop(streams);
}

pub(super) fn idle(port: SocketAddr) {
    let streams: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|i| {
            let mut stream = connect(port);
            // Every third says a little and no more, every third only that nothing follows.
            match i % 3 {
                0 => stream.write_all(&[0, 0]).unwrap(),
                1 => stream.shutdown(Shutdown::Write).unwrap(),
                _ => {}
            }
            stream
        })
        .collect();
    drop(streams);
}

fn metadata_request() -> Vec<u8> {
    let names = ["one", "two", "three"].map(|name| MetadataRequestTopic {
        name: Some(name.to_owned()),
        ..Default::default()
    });
    let request = MetadataRequest {
        topics: Some(names.into()),
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    frame::encode_request(7, Some("mutant"), 12, &request)
        .unwrap()
        .concat()
}

fn produce_request() -> Vec<u8> {
    let request = ProduceRequest {
        acks: 1,
        timeout_ms: 1000,
        topic_data: vec![TopicProduceData {
            name: "nobody-has-this".to_owned(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(batch(&["some", "records", "in a batch"])),
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    frame::encode_request(7, Some("mutant"), 9, &request)
        .unwrap()
        .concat()
}
