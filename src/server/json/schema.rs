//! What the parts of a body that have a type of the domain look like, for the description of the API.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::amount::{Amount, SignedAmount};
use crate::domain::{Code, Currency, Name, RequestId, Serial};
use crate::limits::{NAME_BYTES_MAX, OFFERING_ITEMS_MAX, REQUEST_ID_BYTES_MAX};
use crate::server::json::ProblemCode;

/// Any character but those that control.
const PRINTABLE: &str = r"^[^\u0000-\u001f\u007f-\u009f]+$";

macro_rules! schema {
    ($type:ident, $name:literal, $schema:expr) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

schema!(
    Name,
    "Name",
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": NAME_BYTES_MAX,
        "pattern": PRINTABLE,
        "description": "A name that a client chose: 1 to 128 bytes of UTF-8 without control characters.",
    })
);

schema!(
    RequestId,
    "RequestId",
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": REQUEST_ID_BYTES_MAX,
        "pattern": PRINTABLE,
        "description": "A client's id for one request, which names what the request made: 1 to 128 bytes of UTF-8 without \
                        control characters.",
    })
);

schema!(
    Serial,
    "Serial",
    json_schema!({
        "type": "integer",
        "minimum": 1,
        "maximum": OFFERING_ITEMS_MAX,
        "description": "A certificate's number in its offering, from 1.",
    })
);

schema!(
    Currency,
    "Currency",
    json_schema!({
        "type": "string",
        "pattern": "^[A-Z]{3}$",
        "description": "ISO 4217, such as USD.",
    })
);

schema!(
    Amount,
    "Amount",
    json_schema!({
        "type": "string",
        "pattern": r"^[0-9]+(\.[0-9]+)?$",
        "maxLength": 64,
        "description": "An amount in units of its currency, as plain decimal text with at most its currency's decimals.",
        "examples": ["29.33"],
    })
);

schema!(
    SignedAmount,
    "SignedAmount",
    json_schema!({
        "type": "string",
        "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
        "description": "A balance as plain decimal text; below 0 where credit is used.",
    })
);

/// All codes that a problem may have.
pub(super) fn codes(_: &mut SchemaGenerator) -> Schema {
    let own = ProblemCode::ALL.into_iter().map(ProblemCode::text);
    let all: Vec<&str> = own.chain(Code::ALL.iter().map(|code| code.text())).collect();
    json_schema!({ "type": "string", "enum": all })
}
