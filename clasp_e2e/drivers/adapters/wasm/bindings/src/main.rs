//! Make the JavaScript bindings of a WebAssembly module. Arguments: the module, the output directory.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, output] = &arguments[..] else {
        eprintln!("usage: bindings MODULE OUTPUT");
        return ExitCode::FAILURE;
    };
    let mut bindgen = Bindgen::new();
    let made =
        bindgen.web(true).and_then(|web| web.input_path(module).out_name("clasp_wasm").generate(output));
    if let Err(error) = made {
        eprintln!("{error:?}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
