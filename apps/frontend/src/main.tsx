import "./styles.css";
import { render } from "preact";
import { start } from "./store";
import { App } from "./ui/app";

const root = document.getElementById("app");
if (!root) throw new Error("index.html has no #app element");
start();
render(<App />, root);
