// The version has one home, package.json.
export { version } from "../../package.json";
