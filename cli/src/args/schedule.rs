//! The arguments of `opendesk scheduler`.

use opendesk_std::desktop::Backend;

#[derive(Debug, clap::Args)]
pub(crate) struct Scheduler {
    #[command(subcommand)]
    pub(crate) command: SchedulerCommand,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum SchedulerCommand {
    /// Do the tasks when their time comes, until it is interrupted. Tasks that are added meanwhile are seen; what is being
    /// done in the end is cancelled
    Start {
        /// The desktop that `local` means: auto, x11 or virtual
        #[arg(long, default_value_t)]
        backend: Backend,
    },
    /// List the tasks: when each is due next, and how its last run went. Values that may be private are not shown
    List,
    /// Have something done at its times
    Add(AddTask),
    /// Do a task now. It is refused while another is being done on that desktop
    Run {
        /// The task
        name: String,
        /// The desktop that `local` means: auto, x11 or virtual
        #[arg(long, default_value_t)]
        backend: Backend,
    },
    /// Have a task rest. What would be due meanwhile is not made up for
    Pause {
        /// The task
        name: String,
    },
    /// Have a task go on
    Resume {
        /// The task
        name: String,
    },
    /// Remove a task
    Remove {
        /// The task
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddTask {
    /// What it is to be called: letters, digits, hyphens, underscores and points
    pub(crate) name: String,
    /// When: "every 15m" (s, m, h or d), "every day at 09:00", "every monday,friday at 09:00", "every weekday at 09:00", five
    /// fields of cron, or "at 2027-01-31 18:00"
    pub(crate) timing: String,
    /// What: "run NAME" for a learned program, or the name of a tool
    pub(crate) task: String,
    /// The arguments of the tool or the parameters of the program, a JSON object
    #[arg(default_value = "{}")]
    pub(crate) arguments: String,
    /// The time zone of the timing, by its name in the IANA database [default: this machine's]
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// The machine whose desktop is meant, or `local` [default: as for agents' calls]. It is kept by its key
    #[arg(long)]
    pub(crate) peer: Option<String>,
    /// Make up, once, for what was missed while no scheduler ran
    #[arg(long)]
    pub(crate) catch_up: bool,
    /// The longest that a run may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(crate) limit: u64,
}
