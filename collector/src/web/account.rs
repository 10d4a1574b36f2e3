//! Signing in, and what people change of their own account.

pub mod factor;
pub mod key;
pub mod login;
pub mod me;
pub mod openid;
pub mod passkey;
pub mod password;
pub mod welcome;
