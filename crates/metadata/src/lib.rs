//! Metadata records and the image they replay into.
