//! Webhooks from the event to the receiver, through operations and worker, on both databases.

#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod on_both;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod sending;
#[cfg(test)]
mod world;

#[cfg(test)]
use on_both::on_both;
