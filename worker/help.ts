export const help = `Reference Worker of isotel: an agent with two tools and a flag resolver, traced and measured.

GET /chat?prompt=TEXT                         returns the answer as JSON
GET /chat/stream?prompt=TEXT                  streams the answer as text
GET /resolve?flag=NAME&targeting_key=KEY      returns the variant of a feature flag: flag=new-checkout, country=PT
GET /metrics                                  returns metrics for Prometheus; needs SCRAPE_TOKEN as bearer token

The prompt asks for the weather in a city, for example "What is the weather in Lisbon?".
These parameters show failures in the spans:
  scenario=failing-tool                       both routes: the weather service is down
  scenario=abort                              /chat/stream: the answer is aborted half-way

A scripted model answers, and nothing leaves this Worker. Set OPENAI_API_KEY, in .dev.vars or as a secret, to use
OpenAI (OPENAI_MODEL selects the model). Set CLOUDFLARE_ACCOUNT_ID and AI_GATEWAY_ID to use that AI Gateway.
`;
