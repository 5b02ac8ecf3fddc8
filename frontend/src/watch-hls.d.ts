// hls.js ships no types for its light build, which is the same class without parts.
declare module "hls.js/light" {
  export { default } from "hls.js";
}
