export const help = `Reference Worker of isotel: an agent with two tools and a flag resolver, traced and measured.

GET /chat?prompt=TEXT                         the answer as JSON
GET /chat/stream?prompt=TEXT                  the answer as streamed text
GET /resolve?flag=NAME&targeting_key=KEY      the variant of a feature flag: flag=new-checkout, country=PT
GET /metrics                                  metrics for Prometheus, with the bearer token of SCRAPE_TOKEN

The prompt asks for the weather in a city, for example "What is the weather in Lisbon?".
Add one of these to see it in the spans:
  scenario=failing-tool                       both routes: the weather service is down
  scenario=abort                              /chat/stream: the answer is aborted half-way

A scripted model answers and nothing leaves this Worker. With OPENAI_API_KEY set, in .dev.vars or as a secret,
OpenAI answers (OPENAI_MODEL names the model); with CLOUDFLARE_ACCOUNT_ID and AI_GATEWAY_ID through that AI Gateway.
`;
