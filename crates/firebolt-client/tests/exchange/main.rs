//! The client against scripted servers: recorded exchanges, and behaviour over (virtual) time.

mod behaviour;
mod script;
mod wire;
