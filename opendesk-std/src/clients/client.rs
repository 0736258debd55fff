//! What is known of each client, in one table.

use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::places::{Places, System};

/// A program that starts MCP servers and is told of them in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Claude Code, of the terminal.
    ClaudeCode,
    /// Claude Desktop.
    ClaudeDesktop,
    /// Cursor.
    Cursor,
    /// Visual Studio Code: its default profile.
    VsCode,
    /// Windsurf.
    Windsurf,
    /// Codex: its command line, its IDE extension and its app share one file.
    Codex,
    /// Gemini CLI.
    Gemini,
}

/// For whom an entry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// For the user, wherever the client is started.
    User,
    /// For whoever works in one folder.
    Project,
}

/// What the client itself can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// JSON and nothing else: one comment, and the client reads none of it.
    Json,
    /// JSON with comments.
    Commented,
    /// JSON with comments and commas behind the last member. Also where it is not known what the client reads.
    Lenient,
    Toml,
}

/// The folder that a client's own is in.
enum Under {
    Home,
    /// Where the programs of this system keep their settings.
    Settings,
}

pub(super) struct Row {
    word: &'static str,
    title: &'static str,
    under: Under,
    /// Its folder below that.
    folder: &'static str,
    /// A variable that names another folder than the first, and the folder below it.
    variable: Option<(&'static str, &'static str)>,
    /// The file in it.
    file: &'static str,
    /// The file of a project, where the client has such.
    project: Option<&'static str>,
    pub(super) format: Format,
    /// What the servers are listed under.
    pub(super) servers: &'static str,
    /// Whether an entry says that it is reached on standard input and output.
    pub(super) is_typed: bool,
    /// Whether the client puts the values of variables in place of what a `$` begins.
    expands: bool,
    reload: &'static str,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::ClaudeCode, Self::ClaudeDesktop, Self::Cursor, Self::VsCode, Self::Windsurf, Self::Codex, Self::Gemini];

    pub(super) const fn row(self) -> Row {
        match self {
            Self::ClaudeCode => Row {
                word: "claude-code",
                title: "Claude Code",
                under: Under::Home,
                folder: "",
                variable: Some(("CLAUDE_CONFIG_DIR", "")),
                file: ".claude.json",
                project: Some(".mcp.json"),
                format: Format::Json,
                servers: "mcpServers",
                is_typed: true,
                expands: true,
                reload: "its next session has the tools",
            },
            Self::ClaudeDesktop => Row {
                word: "claude-desktop",
                title: "Claude Desktop",
                under: Under::Settings,
                folder: "Claude",
                variable: None,
                file: "claude_desktop_config.json",
                project: None,
                format: Format::Json,
                servers: "mcpServers",
                is_typed: false,
                expands: false,
                reload: "quit it and start it again",
            },
            Self::Cursor => Row {
                word: "cursor",
                title: "Cursor",
                under: Under::Home,
                folder: ".cursor",
                variable: None,
                file: "mcp.json",
                project: Some(".cursor/mcp.json"),
                format: Format::Lenient,
                servers: "mcpServers",
                is_typed: false,
                expands: true,
                reload: "look at its settings, under MCP, whether it is switched on",
            },
            Self::VsCode => Row {
                word: "vscode",
                title: "Visual Studio Code",
                under: Under::Settings,
                folder: "Code/User",
                variable: None,
                file: "mcp.json",
                project: Some(".vscode/mcp.json"),
                format: Format::Lenient,
                servers: "servers",
                is_typed: true,
                expands: true,
                reload: "it asks whether the server is trusted when it first starts it",
            },
            Self::Windsurf => Row {
                word: "windsurf",
                title: "Windsurf",
                under: Under::Home,
                folder: ".codeium/windsurf",
                variable: None,
                file: "mcp_config.json",
                project: None,
                format: Format::Lenient,
                servers: "mcpServers",
                is_typed: false,
                expands: true,
                reload: "refresh the servers of Cascade, or start it again",
            },
            Self::Codex => Row {
                word: "codex",
                title: "Codex",
                under: Under::Home,
                folder: ".codex",
                variable: Some(("CODEX_HOME", "")),
                file: "config.toml",
                project: Some(".codex/config.toml"),
                format: Format::Toml,
                servers: "mcp_servers",
                is_typed: false,
                expands: false,
                reload: "its next session has the tools",
            },
            Self::Gemini => Row {
                word: "gemini",
                title: "Gemini CLI",
                under: Under::Home,
                folder: ".gemini",
                variable: Some(("GEMINI_CLI_HOME", ".gemini")),
                file: "settings.json",
                project: Some(".gemini/settings.json"),
                format: Format::Commented,
                servers: "mcpServers",
                is_typed: false,
                expands: true,
                reload: "its next session has the tools",
            },
        }
    }

    /// Its name on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.row().word
    }

    /// The one of this name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|client| client.word() == word)
    }

    /// Its name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// What its user does, or sees, after its configuration has changed.
    #[must_use]
    pub const fn reload(self) -> &'static str {
        self.row().reload
    }

    /// Whether it would take a part of this word for the name of a variable.
    #[must_use]
    pub fn would_expand(self, word: &str) -> bool {
        self.row().expands && word.contains('$')
    }

    /// Its file of this scope, whether or not it is there.
    ///
    /// # Errors
    /// [`ConfigError::NoProjectFile`] for a client without one.
    pub fn file(self, places: &Places, scope: Scope) -> Result<PathBuf, ConfigError> {
        let row = self.row();
        match scope {
            Scope::User => Ok(self.folder(places).join(row.file)),
            Scope::Project => {
                row.project.map(|file| places.project().join(file)).ok_or(ConfigError::NoProjectFile { client: self })
            }
        }
    }

    /// Whether it has ever run for this user: it has left its folder, or its file.
    #[must_use]
    pub fn is_found(self, places: &Places) -> bool {
        let folder = self.folder(places);
        match self {
            // Its file lies among everything else of the user; what is its own is beside it.
            Self::ClaudeCode => {
                folder.join(self.row().file).exists()
                    || if folder == places.home() { folder.join(".claude").is_dir() } else { folder.is_dir() }
            }
            // Below the folder of the program, which an extension of another editor does not make.
            Self::VsCode => folder.is_dir() || folder.parent().is_some_and(Path::is_dir),
            _ => folder.is_dir(),
        }
    }

    /// Where its file of the user lies.
    fn folder(self, places: &Places) -> PathBuf {
        let row = self.row();
        let named = row.variable.and_then(|(name, below)| Some(below_of(places.variable(name)?, below)));
        if let Some(folder) = named {
            return folder;
        }
        match row.under {
            Under::Home => below_of(places.home(), row.folder),
            Under::Settings => places
                .packaged(row.folder)
                .filter(|folder| folder.is_dir())
                .unwrap_or_else(|| below_of(&places.settings(), row.folder)),
        }
    }

    /// One line for people: its files on this system, as they are written in a shell.
    #[must_use]
    pub fn files(self, system: System) -> String {
        let row = self.row();
        let base = match row.under {
            Under::Home => "~",
            Under::Settings => system.settings(),
        };
        let user = [base, row.folder, row.file].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        let mut line = user.join("/");
        if let Some((variable, below)) = row.variable {
            let other = [below, row.file].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
            line.push_str(&format!(", or ${variable}/{other}"));
        }
        if let Some(project) = row.project {
            line.push_str(&format!("; of a project: {project}"));
        }
        line
    }
}

fn below_of(base: &Path, folder: &str) -> PathBuf {
    if folder.is_empty() { base.to_owned() } else { base.join(folder) }
}
