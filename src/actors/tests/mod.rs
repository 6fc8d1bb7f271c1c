//! Tests of what the shards share, in many orders of their threads.

mod schedules;
