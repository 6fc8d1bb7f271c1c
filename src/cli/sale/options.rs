//! The arguments of a sale, each checked for itself; what they come to together is the plans' to check.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::super::keeping::KeepingArguments;
use super::super::number::whole;
use crate::domain::BasisPoints;
use crate::limits::{
    BATCH_MESSAGES_MAX, OFFERING_ITEMS_MAX, RUSH_BATCH_MESSAGES, RUSH_BATCHES_AT_ONCE, RUSH_BUYERS_MAX,
    RUSH_IN_FLIGHT_MAX, RUSH_OFFERINGS_MAX, RUSH_SHARERS, SHARDS_MAX,
};

/// The arguments of `hongbao sale`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["orders", "synthetic"])))]
pub(in super::super) struct Options {
    /// The orders: CDNOW text (two customer ids, date, units, dollars) or CSV with the header
    /// customer,date,units,amount.
    pub(super) orders: Option<PathBuf>,
    /// Make up a rush instead: many buyers come for few certificates, in an order drawn from the seed.
    #[arg(long)]
    synthetic: bool,
    #[command(flatten)]
    rush: Rush,
    /// The share of orders that are gifts: another customer gives the price, and the supplier withholds it.
    #[arg(long, value_name = "SHARE", default_value = "0", conflicts_with = "synthetic", value_parser = share)]
    pub(super) gifts: BasisPoints,
    /// The data folder; made where there is none.
    #[arg(long, default_value = "snapshots/data", value_name = "DIR")]
    pub(super) data: PathBuf,
    #[command(flatten)]
    pub(super) keeping: KeepingArguments,
    /// How many shards; by default the cores less one, at least one.
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1..=SHARDS_MAX as u64))]
    pub(super) shards: Option<usize>,
    /// End with 1 where a line of the file or an order was refused. Without it that is a fact of the sale, which the report tells.
    #[arg(long, conflicts_with = "synthetic")]
    pub(super) strict: bool,
    /// Print one JSON object instead of the report.
    #[arg(long)]
    pub(super) json: bool,
}

/// How large a made-up rush is, and how it goes. Without a file of orders there is always a rush, so it is enough
/// that these do not go with one.
#[derive(Clone, Debug, Args)]
pub(super) struct Rush {
    /// How many buyers come, each once.
    #[arg(long, value_name = "N", default_value = "100000", conflicts_with = "orders")]
    #[arg(value_parser = whole::<u32>(1..=u64::from(RUSH_BUYERS_MAX)))]
    pub(super) buyers: u32,
    /// How many certificates there are, of 100.00 each.
    #[arg(long, value_name = "N", default_value = "10000", conflicts_with = "orders")]
    #[arg(value_parser = whole::<u32>(1..=u64::from(OFFERING_ITEMS_MAX)))]
    pub(super) certificates: u32,
    /// How many accounts circulate each certificate before the buying begins; they come in turn from 10,000.
    #[arg(long, value_name = "N", default_value = "2", conflicts_with = "orders")]
    #[arg(value_parser = whole::<u32>(0..=u64::from(RUSH_SHARERS)))]
    pub(super) sharers: u32,
    /// The share of buyers, and of certificates, on offering 1; the rest is spread evenly over the others, which
    /// are not there with 1.
    #[arg(long, value_name = "SHARE", default_value = "1", conflicts_with = "orders", value_parser = share)]
    pub(super) hot: BasisPoints,
    /// How many other offerings there are; none with --hot 1.
    #[arg(long, value_name = "N", default_value = "100", conflicts_with = "orders")]
    #[arg(value_parser = whole::<u32>(1..=u64::from(RUSH_OFFERINGS_MAX)))]
    pub(super) others: u32,
    /// The share of buyers who cannot pay; the seed draws who they are. Everyone else opens with the price.
    #[arg(long, value_name = "SHARE", default_value = "0", conflicts_with = "orders", value_parser = share)]
    pub(super) broke: BasisPoints,
    /// Draws in which order the buyers come and who of them cannot pay.
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "orders")]
    #[arg(value_parser = whole::<u64>(0..=u64::MAX))]
    pub(super) seed: u64,
    /// How many messages a batch has.
    #[arg(long, value_name = "N", default_value_t = RUSH_BATCH_MESSAGES, conflicts_with = "orders")]
    #[arg(value_parser = whole::<u32>(1..=BATCH_MESSAGES_MAX as u64))]
    pub(super) batch: u32,
    /// How many batches are under way at once.
    #[arg(long, value_name = "N", default_value_t = RUSH_BATCHES_AT_ONCE, conflicts_with = "orders")]
    #[arg(value_parser = whole::<u32>(1..=u64::from(RUSH_IN_FLIGHT_MAX)))]
    pub(super) at_once: u32,
}

/// What is to be sold.
pub(super) enum What<'options> {
    Orders(&'options PathBuf),
    Rush(&'options Rush),
}

impl Options {
    /// The file of orders, or else the rush: the group above lets nothing else pass.
    pub(super) fn what(&self) -> What<'_> {
        self.orders.as_ref().map_or(What::Rush(&self.rush), What::Orders)
    }
}

/// Reads a share, decimal text from 0 to 1, without rounding.
fn share(text: &str) -> Result<BasisPoints, String> {
    let wrong = || "give a decimal number from 0 to 1, such as 0.25".to_owned();
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    if part.len() > 4 {
        return Err(format!("has {} decimals: give at most 4", part.len()));
    }
    let basis_points = format!("{whole}{part:0<4}").parse().map_err(|_| wrong())?;
    BasisPoints::new(basis_points).map_err(|_| wrong())
}

/// A share as decimal text, such as `0.25`.
pub(super) fn share_text(share: BasisPoints) -> String {
    let (whole, part) = (share.get() / BasisPoints::MAX, share.get() % BasisPoints::MAX);
    let text = format!("{whole}.{part:04}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_exactly_or_refused() {
        for (text, basis_points) in [("0", 0), ("1", 10_000), ("1.0", 10_000), ("0.3", 3_000), ("0.0001", 1)]
        {
            assert_eq!(share(text).unwrap().get(), basis_points, "{text}");
        }
        for text in ["", ".", ".5", "5.", "-0.1", "+0.1", "1.0001", "2", "0.00001", "1e-1", "0,5", "nan", "½"]
        {
            assert!(share(text).is_err(), "{text}");
        }
        assert!(share("99999999999999999999").is_err());
        for text in ["0", "1", "0.3", "0.0001", "0.25"] {
            assert_eq!(share_text(share(text).unwrap()), text);
        }
    }
}
