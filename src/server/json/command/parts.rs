//! The parts of commands that are objects or words, and what they stand for.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::{GiftObject, GiftReference, GoodsKind, Name, RequestId, Serial, Via, WithholdFrom};

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum DisplayBody {
    #[default]
    Certificate,
    AcquisitionInformation,
    Snapshot,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum ViaBody {
    #[default]
    Public,
    PrivatePage(Name),
    Link,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::server) enum PaidFromBody {
    #[default]
    Available,
    Gift(OwnGiftBody),
    PaymentCertificate(RequestId),
}

/// Names a gift to the caller.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct OwnGiftBody {
    pub(in crate::server) donor: Name,
    pub(in crate::server) gift: RequestId,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::server) enum ObjectBody {
    Goods(GoodsBody),
    Certificate(NamedCertificateBody),
}

/// A product or a service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct GoodsBody {
    kind: KindBody,
    description: String,
}

/// Names a certificate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct NamedCertificateBody {
    offering: Name,
    serial: Serial,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::server) enum KindBody {
    Product,
    Service,
    Insurance,
    Fund,
    Gold,
    Lottery,
    Other,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::server) enum WithholdFromBody {
    Gift(NamedGiftBody),
    Mandate(NamedMandateBody),
}

/// Names a gift.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct NamedGiftBody {
    recipient: Name,
    donor: Name,
    gift: RequestId,
}

/// Names a mandate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct NamedMandateBody {
    recipient: Name,
    mandate: RequestId,
}

impl ViaBody {
    pub(super) fn via(self) -> Via {
        match self {
            ViaBody::Public => Via::Public,
            ViaBody::PrivatePage(owner) => Via::PrivatePage(owner),
            ViaBody::Link => Via::Link,
        }
    }
}

impl ObjectBody {
    pub(super) fn object(self) -> GiftObject {
        match self {
            ObjectBody::Goods(GoodsBody { kind, description }) => {
                GiftObject::Goods { kind: kind.kind(), description }
            }
            ObjectBody::Certificate(NamedCertificateBody { offering, serial }) => {
                GiftObject::Certificate { offering, serial }
            }
        }
    }
}

impl KindBody {
    fn kind(self) -> GoodsKind {
        match self {
            KindBody::Product => GoodsKind::Product,
            KindBody::Service => GoodsKind::Service,
            KindBody::Insurance => GoodsKind::Insurance,
            KindBody::Fund => GoodsKind::Fund,
            KindBody::Gold => GoodsKind::Gold,
            KindBody::Lottery => GoodsKind::Lottery,
            KindBody::Other => GoodsKind::Other,
        }
    }
}

impl WithholdFromBody {
    pub(super) fn from(self) -> WithholdFrom {
        match self {
            WithholdFromBody::Gift(NamedGiftBody { recipient, donor, gift }) => {
                WithholdFrom::Gift(GiftReference { recipient, donor, gift })
            }
            WithholdFromBody::Mandate(NamedMandateBody { recipient, mandate }) => {
                WithholdFrom::Mandate { recipient, mandate }
            }
        }
    }
}
