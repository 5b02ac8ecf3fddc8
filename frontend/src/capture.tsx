// The technician's page.
import { render } from "preact";
import { App } from "./capture/app";

render(<App />, document.getElementById("capture")!);
