//! Webhooks from the event to the receiver, through operations and worker, on both databases.

#[cfg(test)]
mod receiver;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod world;
