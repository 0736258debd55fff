//! The arguments of `opendesk view`.

use opendesk_std::desktop::Backend;

#[derive(Debug, clap::Args)]
pub(crate) struct View {
    /// The machine's name, or `local` [default: as for agents' calls]
    pub(crate) peer: Option<String>,
    /// The port of 127.0.0.1 to listen on; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Let the page use the desktop's mouse and keyboard as well, one window at a time
    #[arg(long)]
    pub(crate) control: bool,
    /// Open the page in the browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Draw the desktop's mouse pointer into the picture. The machine then has to look where it is all the time
    #[arg(long)]
    pub(crate) cursor: bool,
    /// Pictures a second at most
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) fps: u32,
    /// The desktop that `local` means: auto, x11 or virtual
    #[arg(long, default_value_t)]
    pub(crate) backend: Backend,
}
