//! What can be written to pair with a machine that shows a code.

use opendesk_std::client::Address;
use opendesk_std::home::PeerName;

#[derive(Debug, clap::Args)]
pub(crate) struct PairWith {
    /// The other machine's name or address on the network, with its port or without: box, 192.0.2.7:8423,
    /// fe80::1%eth0, [fe80::1%eth0]:8423. Or the NAME that `opendesk discover` shows
    pub(crate) host: Address,
    /// The code that it shows; its digits may stand in groups
    #[arg(required = true, num_args = 1..)]
    pub(crate) code: Vec<String>,
    /// The port that it listens on [default: 8423]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// What to call it here [default: what it is called here already, else its own name]
    #[arg(long)]
    pub(crate) name: Option<PeerName>,
}
