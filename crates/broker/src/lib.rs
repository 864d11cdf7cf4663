//! The data broker: sockets, APIs, partitions, replication, coordinators.
