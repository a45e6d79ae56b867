//! The PostgreSQL store among several processes, and when connections die.

mod lookup;
mod migration;
mod money;
mod queue;
mod refused;
mod replica;
mod sharing;
mod standby;
mod statements;
