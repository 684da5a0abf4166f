// What `@glovebox/he/secret` is to the compiler in this package: nothing. See paths in tsconfig.json.
export {}
