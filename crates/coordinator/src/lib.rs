//! Group coordinators: request in, records and response out.
