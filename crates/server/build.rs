//! Builds the program again when the admin UI was built again.

fn main() {
    println!("cargo:rerun-if-changed=../../admin-ui/dist");
}
