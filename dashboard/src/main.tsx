// The page's beginning.

import { render } from "preact";
import { App } from "./app.tsx";
import { applyTheme } from "./theme.ts";
import "./style.css";

applyTheme();
const root = document.querySelector("#app");
if (root !== null) render(<App />, root);
