//! Makes types and service of `proto/hongbao.proto`, without a program that would have to be installed.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto/hongbao.proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_source_info(true).include_imports(true).open_file("hongbao.proto")?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    fs::write(out.join("hongbao.bin"), compiler.encode_file_descriptor_set())?;
    // The messages are also read and written as the JSON bodies are (`server/grpc/forms/`).
    let choice =
        |path: &str, attribute: &str| (format!("hongbao.v1.{path}"), format!("#[serde({attribute})]"));
    let mut builder = tonic_prost_build::configure()
        .build_transport(false)
        // Whoever writes down what is sent writes no password.
        .skip_debug(["hongbao.v1.Credentials"])
        .type_attribute(".", "#[derive(serde::Serialize, serde::Deserialize)]")
        .message_attribute(".", "#[serde(default)]");
    for (path, attribute) in [
        choice("Message.command", "rename_all = \"snake_case\""),
        choice("Increase.by", "rename_all = \"snake_case\""),
        choice("Take.part", "rename_all = \"snake_case\""),
        choice("GiftObject.object", "rename_all = \"snake_case\""),
        choice("WithholdFrom.right", "rename_all = \"snake_case\""),
        choice("OrderRight.right", "rename_all = \"snake_case\""),
        choice("Answer.outcome", "rename_all = \"snake_case\", tag = \"type\""),
    ] {
        builder = builder.enum_attribute(path, attribute);
    }
    for path in ["Increase.by", "Take.part", "GiftObject.object", "WithholdFrom.right", "OrderRight.right"] {
        builder = builder.field_attribute(format!("hongbao.v1.{path}"), "#[serde(flatten)]");
    }
    // An answer has one of these, and most have none: each takes as much memory as the largest of them would.
    for view in [
        "shown",
        "account",
        "offering",
        "certificate",
        "gift",
        "gifts",
        "payment",
        "mandate",
        "order",
        "request",
    ] {
        builder = builder
            .boxed(format!("hongbao.v1.Answer.{view}"))
            .boxed(format!("hongbao.v1.Answer.outcome.{view}"));
    }
    builder.compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
