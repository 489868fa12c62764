// A Worker whose copies of the package load in this order: that of the library, that of the application.
import "../two_copies/console.ts";
import "./library.ts";

import { application } from "./application.ts";
import * as library from "./library.ts";

export { TelemetryAggregator } from "isotel/aggregator";

const { worker, Room } = application(library);

export { Room };
export default worker;
