//! The roles of callers. Each has a Secret with its tokens, which pods read as a file.

/// Key of the tokens in the Secret of a role, and name of the file in the pods.
pub const TOKEN_KEY: &str = "token";

/// Who may make calls that not everyone may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Administrators, who may do everything.
    Admin,
    /// The backend of the shop. Ticket calls vacancy with this token for it.
    Seller,
    /// The devices at the gate, which scan tickets.
    Gate,
}

impl Role {
    /// In the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Seller, Self::Gate];

    /// The role in names of objects and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Seller => "seller",
            Self::Gate => "gate",
        }
    }

    /// The setting of the services with tokens of this role.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN_TOKEN",
            Self::Seller => "SELLER_TOKEN",
            Self::Gate => "GATE_TOKEN",
        }
    }

    /// Name of the Secret with the tokens of this role, for the system `name`.
    pub fn secret(self, name: &str) -> String {
        format!("{name}-{}", self.volume())
    }

    /// Name of the volume with the tokens of this role.
    pub fn volume(self) -> String {
        format!("{}-token", self.as_str())
    }

    /// The folder of the tokens of this role in the pods.
    pub fn folder(self) -> String {
        format!("/etc/ticket-system/{}", self.volume())
    }
}

/// The tokens of one role for one system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleToken {
    pub role: Role,
    /// The content of the Secret: tokens separated by commas.
    pub value: Vec<u8>,
    /// Whether another program writes the Secret.
    pub is_external: bool,
}
