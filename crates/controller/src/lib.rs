//! Cluster decisions: image and request in, records and response out.
