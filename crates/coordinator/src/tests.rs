//! Stories about whole shards, rule by rule, and what holds whatever happens.

mod commit;
mod expiry;
mod failure;
mod fetch;
mod join;
mod lab;
mod leave;
mod list;
mod random;
mod reload;
mod statics;
mod sync;
