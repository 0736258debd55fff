//! Where files cannot be reached without opendesk's own directory, and programs cannot be ended with all that they have
//! started: nothing of that is offered, and no value of it can be made (adr/0025).

pub(crate) mod files;
pub(crate) mod live;
pub(super) mod running;
