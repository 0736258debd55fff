//! The folders of a user.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::ConfigError;

/// What decides where programs keep their settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux, and others that keep to its folders.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl System {
    /// The one that this program was built for.
    #[must_use]
    pub fn here() -> Self {
        match std::env::consts::OS {
            "macos" => Self::MacOs,
            "windows" => Self::Windows,
            _ => Self::Linux,
        }
    }

    /// Where programs keep their settings, as a shell writes it.
    pub(super) const fn settings(self) -> &'static str {
        match self {
            Self::Linux => "~/.config",
            Self::MacOs => "~/Library/Application Support",
            Self::Windows => "%APPDATA%",
        }
    }
}

/// The variables that say where a client keeps its configuration.
const VARIABLES: [&str; 6] =
    ["CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA"];

/// Claude Desktop as a package of the Microsoft Store's kind: Windows shows it these folders in place of the others.
const PACKAGE: (&str, &str) = ("Claude", "Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude");

/// Where a user's folders are, and the project that is meant.
#[derive(Debug, Clone)]
pub struct Places {
    system: System,
    home: PathBuf,
    project: PathBuf,
    variables: Vec<(&'static str, PathBuf)>,
}

impl Places {
    /// Those of this user, with the working directory as the project.
    ///
    /// # Errors
    /// [`ConfigError::NoHome`], and [`ConfigError::Io`] where the working directory is gone.
    pub fn here() -> Result<Self, ConfigError> {
        let home = std::env::home_dir().filter(|home| home.is_absolute()).ok_or(ConfigError::NoHome)?;
        let project = std::env::current_dir().map_err(|error| ConfigError::io("find", Path::new("."), &error))?;
        Ok(Self::new(System::here(), home, project, std::env::var_os))
    }

    /// Other ones, for programs that know better. What a variable says counts where it is an absolute path.
    #[must_use]
    pub fn new(
        system: System,
        home: PathBuf,
        project: PathBuf,
        variable: impl Fn(&'static str) -> Option<OsString>,
    ) -> Self {
        let known = VARIABLES.into_iter().filter_map(|name| Some((name, PathBuf::from(variable(name)?))));
        let variables = known.filter(|(_, path)| path.is_absolute()).collect();
        Self { system, home, project, variables }
    }

    /// The folder of the project.
    #[must_use]
    pub fn project(&self) -> &Path {
        &self.project
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Path> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, path)| path.as_path())
    }

    /// Where programs keep their settings.
    pub(super) fn settings(&self) -> PathBuf {
        let (variable, otherwise) = match self.system {
            System::Linux => (Some("XDG_CONFIG_HOME"), ".config"),
            System::MacOs => (None, "Library/Application Support"),
            System::Windows => (Some("APPDATA"), "AppData/Roaming"),
        };
        let named = variable.and_then(|name| self.variable(name)).map(Path::to_owned);
        named.unwrap_or_else(|| self.home.join(otherwise))
    }

    /// The folder that Windows shows a packaged program in place of its own.
    pub(super) fn packaged(&self, folder: &str) -> Option<PathBuf> {
        if self.system != System::Windows || folder != PACKAGE.0 {
            return None;
        }
        let local = self.variable("LOCALAPPDATA").map_or_else(|| self.home.join("AppData/Local"), Path::to_owned);
        Some(local.join(PACKAGE.1))
    }
}
