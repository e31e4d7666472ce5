"""The brand and legal rules, one module per group; each rule is a small pure function."""
