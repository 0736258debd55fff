//! What can be written on the command line.

mod agents;
mod copy;
mod discover;
mod exec;
mod fleet;
mod install;
mod mcp;
mod owner;
mod pairing;
mod schedule;
mod shell;
mod short;
mod view;

use core::net::IpAddr;
use core::time::Duration;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use opendesk_std::client::DEFAULT_PORT;
use opendesk_std::desktop::Backend;
use opendesk_std::home::{PeerName, Role};
use opendesk_std::tools::{TOOLS, Tool};

pub(crate) use self::agents::{Agent, AgentCall, Sdk, Sight, Tools};
pub(crate) use self::copy::Copy;
pub(crate) use self::discover::Discover;
pub(crate) use self::exec::Exec;
pub(crate) use self::fleet::Fleet;
pub(crate) use self::install::{Install, Uninstall, Which};
pub(crate) use self::mcp::{Mcp, Transport};
pub(crate) use self::owner::{
    AddRule, Audit, AuditCommand, Control, DecisionName, Describe, InstallService, Policy, PolicyCommand, PresetName,
    Service, ServiceCommand, Status,
};
pub(crate) use self::pairing::PairWith;
pub(crate) use self::schedule::{AddTask, Scheduler, SchedulerCommand};
pub(crate) use self::shell::{Completions, Man};
pub(crate) use self::short::{ButtonName, Click, Pixels, Screenshot, Type};
pub(crate) use self::view::View;

/// Over the options that every command takes.
const GLOBAL: &str = "Global options";

/// See and drive the desktop of another machine on the same network.
#[derive(Debug, Parser)]
#[command(name = "opendesk", version, after_help = crate::exit::HELP, max_term_width = 100)]
pub(crate) struct Args {
    /// The directory with keys, paired machines and logs [default: $OPENDESK_HOME, else ~/.opendesk]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,

    /// Print results as JSON
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,

    /// Log more to standard error; twice for debugging ($OPENDESK_LOG takes filters as well)
    #[arg(short, long, global = true, help_heading = GLOBAL, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// How log lines are written
    #[arg(long, global = true, help_heading = GLOBAL, value_enum, default_value_t = LogFormat::Human)]
    pub(crate) log_format: LogFormat,

    /// Log into this file instead of standard error. It begins anew every day; eight days are kept
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Let paired controllers see and drive this machine's desktop
    Serve(Serve),
    /// Show a code by which one controller can pair with this machine
    Pair(Pair),
    /// Pair with a machine that shows a code
    #[command(after_help = crate::commands::PAIR_WITH_HELP)]
    PairWith(PairWith),
    /// Find the machines that announce themselves on this network
    #[command(after_help = crate::commands::DISCOVER_HELP)]
    Discover(Discover),
    /// List the paired machines, rename, describe or remove one, or choose the one that calls go to by default
    Peers(Peers),
    /// End the trust in a machine, and its session if it drives this one
    Unpair {
        /// The machine: its name, the beginning of its fingerprint, or its key
        peer: String,
    },
    /// Show or set how this machine describes itself to others
    Describe(Describe),
    /// Show this machine's keys, or change them so that paired machines follow
    Identity(Identity),
    /// Show what this machine's host does: who drives, what was last asked, what waits for approval
    Status(Status),
    /// Show who drives this machine
    Sessions,
    /// End the session of whoever drives this machine; it is still trusted
    Disconnect,
    /// Let happen what a controller wants to do and this machine's owner is asked about
    #[command(after_help = crate::commands::ANSWER_HELP)]
    Approve {
        /// The number of the question, as `opendesk status` tells it
        number: u64,
    },
    /// Refuse what a controller wants to do and this machine's owner is asked about
    #[command(after_help = crate::commands::ANSWER_HELP)]
    Deny {
        /// The number of the question, as `opendesk status` tells it
        number: u64,
    },
    /// Let nothing more be done to this machine by any controller: calls are refused, what runs is cancelled
    Stop(Control),
    /// Let controllers act again
    Resume(Control),
    /// Take this machine over: as stop, and controllers are told that you use it yourself
    Takeover(Control),
    /// Hand this machine back to controllers
    Handback(Control),
    /// Show, change or try the rules of `serve --approve policy`
    Policy(Policy),
    /// Show the audit log of this machine, or check it
    Audit(Audit),
    /// Have `opendesk serve` started at login, by systemd, launchd or the Windows Task Scheduler
    InstallService(InstallService),
    /// Stop it and have it started no more
    UninstallService,
    /// Look after the installed service
    Service(Service),
    /// Prove what this machine's desktop can do, by doing it in a window of its own
    #[command(after_help = crate::commands::CHECK_HELP)]
    Check(Check),
    /// Check the connection to a paired machine
    Connect(Connect),
    /// Save a picture of a desktop
    #[command(after_help = crate::commands::SCREENSHOT_HELP)]
    Screenshot(Screenshot),
    /// Type a text
    #[command(after_help = crate::commands::TYPE_HELP)]
    Type(Type),
    /// Click the mouse at a point of the desktop
    #[command(after_help = crate::commands::CLICK_HELP)]
    Click(Click),
    /// Show a machine's desktop in a browser of this one, live; with --control, use it there
    View(View),
    /// Call one tool, as an agent would
    Call(Call),
    /// Copy files from a paired machine or to it; a copy that broke off is gone on with
    #[command(name = "cp", after_help = crate::commands::COPY_HELP)]
    Copy(Copy),
    /// Run a command on a paired machine: its output, its input and its exit code are as if it ran here
    #[command(after_help = crate::commands::EXEC_HELP)]
    Exec(Exec),
    /// Call one tool on many machines
    #[command(after_help = crate::commands::FLEET_HELP)]
    Fleet(Fleet),
    /// Serve the tools to MCP clients: on standard input and output, or over HTTP
    #[command(after_help = crate::commands::MCP_HELP)]
    Mcp(Mcp),
    /// Enter opendesk into the configuration of an MCP client
    #[command(after_help = crate::commands::install_help())]
    Install(Install),
    /// Take opendesk out of the configuration of an MCP client
    #[command(after_help = crate::commands::install_help())]
    Uninstall(Uninstall),
    /// Print the tools in the format of an agent SDK
    Tools(Tools),
    /// Carry out one tool-use block of an agent SDK from standard input, and print the result block
    #[command(after_help = crate::commands::AGENT_CALL_HELP)]
    AgentCall(AgentCall),
    /// Have a model of your choice work on a task with the tools
    #[command(after_help = crate::commands::AGENT_HELP)]
    Agent(Agent),
    /// Run the tasks that are scheduled, or list them
    Scheduler(Scheduler),
    /// Do again what was done to a recorded host, and tell whether this program would do the same
    Replay(Replay),
    /// Show it all at work: a host, a controller, an agent's session, in one program, with homes of their own
    Demo(Demo),
    /// Measure speed against a plain WebSocket, with homes of its own
    Bench(Bench),
    /// Print what a shell needs to complete commands and options
    #[command(after_help = crate::commands::COMPLETIONS_HELP)]
    Completions(Completions),
    /// Print the manual page, or write those of all commands
    #[command(after_help = crate::commands::MAN_HELP)]
    Man(Man),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// The port to listen on; 0 picks a free one
    #[arg(long, default_value_t = DEFAULT_PORT)]
    pub(crate) port: u16,
    /// The address to listen on
    #[arg(long, default_value = "0.0.0.0")]
    pub(crate) host: IpAddr,
    /// The desktop: auto, x11 or virtual
    #[arg(long, default_value_t)]
    pub(crate) backend: Backend,
    /// The oldest version of the wire that controllers may speak: 1 lets the Python package in, 2 does not
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) wire: u8,
    /// Wait for a desktop where there is none yet, as a service does that is started before anybody has logged in
    #[arg(long)]
    pub(crate) wait_for_desktop: bool,
    /// Who decides about calls: auto allows all; console asks on this terminal about all that acts; policy goes by the
    /// rules of policy.json (`opendesk policy`)
    #[arg(long, value_enum, default_value_t = Approve::Auto)]
    pub(crate) approve: Approve,
    /// When the person at this machine uses its mouse or keyboard, let no controller act for so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) pause_on_local_input: Option<u64>,
    /// Show no notifications on the desktop when a controller connects, pairs or is refused
    #[arg(long)]
    pub(crate) no_notifications: bool,
    /// Do not announce this machine on the network (multicast DNS); controllers then need its address
    #[arg(long)]
    pub(crate) no_mdns: bool,
    /// Keep no audit log
    #[arg(long)]
    pub(crate) no_audit: bool,
    /// Record everything that is done to the protocol's machine into a new file, for `opendesk replay`. The file holds
    /// this machine's keys and all that is typed and shown: keep it as you keep a key
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// The async runtime that the host runs on
    #[arg(long, value_enum, default_value_t = RuntimeName::Tokio)]
    pub(crate) runtime: RuntimeName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RuntimeName {
    Tokio,
    Smol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Approve {
    Auto,
    Console,
    Policy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    Human,
    Json,
}

/// What a controller may do at all, before any rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RoleName {
    /// Everything
    Full,
    /// Only look
    Observe,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Full => Self::Full,
            RoleName::Observe => Self::Observe,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Pair {
    /// The code to show [default: six random digits, eighteen with --allow-v1]
    #[arg(long)]
    pub(crate) code: Option<String>,
    /// How long the code is valid, in seconds
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    /// How long the controller is trusted, such as 45m, 8h or 7d [default: until it is removed]
    #[arg(long = "for", value_name = "TIME", value_parser = owner::span)]
    pub(crate) lasting: Option<Duration>,
    /// What the controller may do
    #[arg(long, value_enum, default_value_t = RoleName::Full)]
    pub(crate) role: RoleName,
    /// Take back the code that a running `opendesk serve` shows
    #[arg(long, conflicts_with_all = ["code", "allow_v1", "lasting", "role", "timeout", "port", "host"])]
    pub(crate) close: bool,
    /// Let a controller pair that speaks version 1 only, such as the Python package. Whoever connects instead of it, or
    /// stands between the two, can then find a short code
    #[arg(long)]
    pub(crate) allow_v1: bool,
    /// The port to listen on while no `opendesk serve` runs; 0 picks a free one
    #[arg(long, default_value_t = DEFAULT_PORT)]
    pub(crate) port: u16,
    /// The address to listen on while no `opendesk serve` runs
    #[arg(long, default_value = "0.0.0.0")]
    pub(crate) host: IpAddr,
    /// While no `opendesk serve` runs, do not announce this machine on the network (multicast DNS)
    #[arg(long)]
    pub(crate) no_mdns: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Peers {
    #[command(subcommand)]
    pub(crate) command: Option<PeersCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeersCommand {
    /// List the paired machines
    List,
    /// End the trust in a machine, and its session if it drives this one
    Remove {
        /// The machine: its name, the beginning of its fingerprint, or its key
        peer: String,
    },
    /// Call a machine something else
    Rename {
        /// The machine: its name, the beginning of its fingerprint, or its key
        peer: String,
        /// The new name
        name: PeerName,
    },
    /// Show or set your own words about a machine
    Describe {
        /// The machine: its name, the beginning of its fingerprint, or its key
        peer: String,
        /// Your words [default: show them, and the machine's own]
        text: Option<String>,
        /// Have none
        #[arg(long, conflicts_with = "text")]
        clear: bool,
    },
    /// Show, set or clear the machine that calls go to when none is named
    Default {
        /// The machine: its name, the beginning of its fingerprint, or its key
        peer: Option<String>,
        /// Have no default
        #[arg(long, conflicts_with = "peer")]
        clear: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Identity {
    #[command(subcommand)]
    pub(crate) command: Option<IdentityCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IdentityCommand {
    /// Show this machine's keys
    Show,
    /// Give this machine new keys. Paired machines follow when they next connect, over the last four changes; those that
    /// speak version 1 must be paired again. Whoever has a copy of the former keys can follow too: to shut somebody out,
    /// remove the trust on the other machines
    Rotate,
    /// Answer no more to the keys that this machine had before; paired machines that have not followed must be paired again
    ForgetFormer,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The desktop: auto, x11 or virtual
    #[arg(long, default_value_t)]
    pub(crate) backend: Backend,
    /// Have standard input on the clipboard until something else is copied
    #[arg(long, hide = true)]
    pub(crate) keep_clipboard: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Connect {
    /// The machine: its name, the beginning of its fingerprint, its key, or ws://HOST:PORT#KEY [default: as for agents'
    /// calls]
    pub(crate) peer: Option<String>,
    /// Save a picture of its desktop (PNG)
    #[arg(long, value_name = "FILE")]
    pub(crate) screenshot: Option<PathBuf>,
    /// Wait while another controller drives the machine; it is asked every two seconds
    #[arg(long)]
    pub(crate) wait: bool,
}

/// What the argument is that names a tool, with the names of all that may be named.
fn tools(may_be: impl Fn(&Tool) -> bool) -> String {
    let names: Vec<&str> = TOOLS.iter().filter(|tool| may_be(tool)).map(|tool| tool.name).collect();
    format!("The tool: {}", names.join(", "))
}

#[derive(Debug, clap::Args)]
pub(crate) struct Call {
    #[arg(help = tools(|_| true))]
    pub(crate) tool: String,
    /// Its arguments, a JSON object
    #[arg(default_value = "{}")]
    pub(crate) arguments: String,
    /// The machine whose desktop is meant, or `local` [default: as for agents' calls]
    #[arg(long)]
    pub(crate) peer: Option<String>,
    /// Save the picture that the tool gives (PNG)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// The desktop that `local` means: auto, x11 or virtual
    #[arg(long, default_value_t)]
    pub(crate) backend: Backend,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// The recording that `opendesk serve --record` made
    pub(crate) file: PathBuf,
    /// Stop after this many inputs
    #[arg(long, value_name = "N")]
    pub(crate) until: Option<u64>,
    /// Instead, write a copy that may be shared: without keys, codes, addresses and contents, of the same events. Times,
    /// lengths and names of methods stay
    #[arg(long, value_name = "COPY", conflicts_with = "until")]
    pub(crate) redact: Option<PathBuf>,
    /// Instead, tell which of the recorded calls these rules (a policy.json) would refuse, and about which they would ask.
    /// Controllers are called as they call themselves
    #[arg(long, value_name = "RULES", conflicts_with = "redact")]
    pub(crate) policy: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// The desktop to drive: virtual, or x11 for the one of $DISPLAY
    #[arg(long, default_value_t = Backend::Virtual)]
    pub(crate) backend: Backend,
    /// Where to put the pictures and the audit log
    #[arg(long, value_name = "DIR", default_value = "demo-out")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// Fewer rounds: a few seconds in all
    #[arg(long)]
    pub(crate) quick: bool,
    /// Instead, measure against the Python package opendesk, by the Python interpreter that has it. Both work on the X
    /// server of $DISPLAY, whose pointer is moved; without one, what needs a desktop is left out
    #[arg(long, value_name = "PYTHON")]
    pub(crate) against_python: Option<PathBuf>,
}
