//! A command that is run on another machine.

#[derive(Debug, clap::Args)]
pub(crate) struct Exec {
    /// The machine [default: as for agents' calls]
    pub(crate) peer: Option<String>,
    /// The command and its arguments. No shell has a part in it; `-- sh -c 'LINE'` is one that has
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// The folder to run it in, there
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<String>,
    /// A variable of its environment; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) env: Vec<(String, String)>,
    /// Kill it after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<f64>,
    /// Give it standard input, though that is a terminal
    #[arg(short = 'i', long)]
    pub(crate) stdin: bool,
    /// Give it no standard input, though that is no terminal: for loops that read it themselves
    #[arg(short = 'n', long, conflicts_with = "stdin")]
    pub(crate) no_stdin: bool,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or("it must be NAME=VALUE, such as LANG=C")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds > 0.0);
    seconds.ok_or_else(|| "it must be a number over 0, such as 30 or 0.5".to_owned())
}
