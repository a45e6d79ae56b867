//! The PostgreSQL store among several processes, and when connections die.

mod lookup;
mod migration;
mod money;
mod refused;
mod replica;
mod sharing;
mod standby;
mod statements;
