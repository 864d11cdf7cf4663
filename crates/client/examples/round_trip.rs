//! Makes a topic, writes records to it, reads them back and deletes it: `round_trip BOOTSTRAP [RECORDS]`.

use klamm_client::{
    Admin, Client, ClientError, ClientOptions, Consumer, ConsumerOptions, NewTopic, Producer,
    ProducerOptions, ProducerRecord, StartOffset,
};
use klamm_records::Compression;
use std::{error::Error, time::Instant};

const TOPIC: &str = "klamm-round-trip";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments
        .next()
        .ok_or("usage: round_trip BOOTSTRAP [RECORDS]")?;
    let count: usize = arguments.next().map_or(Ok(10_000), |count| count.parse())?;
    let client = Client::from_list(&bootstrap, ClientOptions::default());
    let admin = Admin::new(client.clone());
    let id = admin
        .create_topic(&NewTopic::new(TOPIC).partitions(3))
        .await?;
    println!("made {TOPIC} with id {id}");
    for compression in Compression::ALL {
        let begun = Instant::now();
        produce(&client, compression, count).await?;
        println!(
            "{count} records written with {} in {:?}",
            compression.name(),
            begun.elapsed()
        );
    }
    let begun = Instant::now();
    let read = consume(&client).await?;
    println!("{read} records read in {:?}", begun.elapsed());
    admin.delete_topic(TOPIC).await?;
    println!("deleted {TOPIC}");
    if read == count * Compression::ALL.len() {
        Ok(())
    } else {
        Err("records are missing".into())
    }
}

async fn produce(client: &Client, codec: Compression, count: usize) -> Result<(), ClientError> {
    let options = ProducerOptions {
        compression: codec,
        ..ProducerOptions::default()
    };
    let producer = Producer::new(client.clone(), options);
    let mut deliveries = Vec::with_capacity(count);
    for i in 0..count {
        let key = (i % 2 == 0).then(|| format!("key-{i}"));
        let record = ProducerRecord::new(TOPIC, key, format!("value number {i}"));
        deliveries.push(producer.send(record).await?);
    }
    producer.flush().await;
    for delivery in deliveries {
        delivery.await?;
    }
    Ok(())
}

async fn consume(client: &Client) -> Result<usize, ClientError> {
    let mut consumer = Consumer::new(client.clone(), ConsumerOptions::default());
    consumer.assign_topic(TOPIC, StartOffset::Earliest).await?;
    let mut read = 0;
    while !consumer.at_end() {
        read += consumer.poll().await?.len();
    }
    Ok(read)
}
