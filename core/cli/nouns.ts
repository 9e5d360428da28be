/** One line for each group of commands. A group that is not here is described by its commands. @module */

export const nounSummaries: Readonly<Record<string, string>> = {
  cluster: 'The cluster as a whole: state, initialisation, audit',
  'cluster fencing': 'What is done when a node dies',
  completion: 'Completion for bash, zsh and fish',
  config: 'The configuration file of this node',
  connection: 'Clusters that this command line can talk to',
  network: 'Client networks',
  'network dns': 'Names in the domains of networks',
  node: 'The servers of the cluster',
  plugin: 'What plugins are loaded and what they contribute',
  provisioner: 'Servers that become nodes by booting from the network',
  'provisioner machine': 'Servers that boot from the network',
  storage: 'Pools, volumes and the disks behind them',
  task: 'Work in progress and how past work ended',
  token: 'Keys of the API',
  vm: 'Guests: define, start, watch, change, move',
  'vm nic': 'Network cards of a guest',
  'vm disk': 'Disks of a guest',
  'vm tag': 'Tags of a guest',
};
