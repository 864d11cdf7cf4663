//! gRPC services and clients of the control plane.
