// The part of the contract that this plugin uses. `npx jco types wit --world-name plugin --out-dir build/types` writes all of it.

declare module "kith:plugin/settings@0.1.0" {
  /** A JSON object that satisfies the schema in plugin.toml, defaults filled in. */
  export function get(): string;
}
