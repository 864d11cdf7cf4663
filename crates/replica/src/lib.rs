//! The replication rules of one partition: ISR, high watermark, epochs, divergence.
