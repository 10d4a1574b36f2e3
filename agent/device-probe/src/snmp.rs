//! One value by SNMP.

use anyhow::{Context as _, anyhow, bail};
use patchward_common::device::{SnmpAccess, SnmpCipher, SnmpHash};
use snmp2::v3::{Auth, AuthProtocol, Cipher, Security};
use snmp2::{Error, Oid, SyncSession, Value};
use std::time::Duration;

/// Engines tell their clock with the first refusal; then the question is asked again.
const ASKED_AGAIN: usize = 2;

/// Asks for one object. Text is given back as it is, numbers in digits.
pub(super) fn ask(
    address: &str,
    oid: &str,
    access: &SnmpAccess,
    step: Duration,
) -> anyhow::Result<Vec<u8>> {
    let numbers: Result<Vec<u64>, _> = oid.split('.').map(str::parse).collect();
    let oid = Oid::from(&numbers?).map_err(|_| anyhow!("{oid} is no object identifier"))?;
    let mut session = session(address, access, step)
        .with_context(|| format!("{address} cannot be asked by SNMP"))?;
    let mut left = ASKED_AGAIN;
    loop {
        match session.get(&oid) {
            Err(Error::AuthUpdated) if left > 0 => left -= 1,
            Err(error) => return Err(said(address, &error)),
            Ok(mut answer) => {
                let value = answer.varbinds.next();
                let (_, value) =
                    value.with_context(|| format!("{address} answers without a value"))?;
                return text(address, &value);
            }
        }
    }
}

fn session(address: &str, access: &SnmpAccess, step: Duration) -> anyhow::Result<SyncSession> {
    let limit = Some(step);
    match access {
        SnmpAccess::V2c { community } => Ok(SyncSession::new_v2c(
            address,
            community.as_bytes(),
            limit,
            1,
        )?),
        SnmpAccess::V3 {
            user,
            auth,
            privacy,
        } => {
            let password = auth.as_ref().map_or("", |auth| auth.password.as_str());
            let mut security = Security::new(user.as_bytes(), password.as_bytes());
            if let Some(auth) = auth {
                security = security.with_auth_protocol(match auth.protocol {
                    SnmpHash::Md5 => AuthProtocol::Md5,
                    SnmpHash::Sha1 => AuthProtocol::Sha1,
                    SnmpHash::Sha256 => AuthProtocol::Sha256,
                    SnmpHash::Sha512 => AuthProtocol::Sha512,
                });
            }
            let level = match (auth, privacy) {
                (None, _) => Auth::NoAuthNoPriv,
                (Some(_), None) => Auth::AuthNoPriv,
                (Some(_), Some(privacy)) => Auth::AuthPriv {
                    cipher: match privacy.protocol {
                        SnmpCipher::Des => Cipher::Des,
                        SnmpCipher::Aes128 => Cipher::Aes128,
                        SnmpCipher::Aes256 => Cipher::Aes256,
                    },
                    privacy_password: privacy.password.clone().into_bytes(),
                },
            };
            let mut session = SyncSession::new_v3(address, limit, 1, security.with_auth(level))?;
            session.init().map_err(|error| said(address, &error))?;
            Ok(session)
        }
    }
}

fn said(address: &str, error: &Error) -> anyhow::Error {
    match error {
        Error::Receive => anyhow!("{address} does not answer by SNMP"),
        Error::AuthFailure(why) => anyhow!("{address} does not know the user or a password: {why}"),
        other => anyhow!("{address} answers something else by SNMP: {other}"),
    }
}

fn text(address: &str, value: &Value<'_>) -> anyhow::Result<Vec<u8>> {
    Ok(match value {
        Value::OctetString(bytes) => bytes.to_vec(),
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Counter32(number) | Value::Unsigned32(number) | Value::Timeticks(number) => {
            number.to_string().into_bytes()
        }
        Value::Counter64(number) => number.to_string().into_bytes(),
        Value::ObjectIdentifier(oid) => oid.to_string().into_bytes(),
        Value::NoSuchObject | Value::NoSuchInstance | Value::EndOfMibView => {
            bail!("{address} has no such object")
        }
        _ => bail!("{address} answers with a value that is no text"),
    })
}
